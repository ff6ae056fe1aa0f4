// One test from a browser: idle latency, download, upload, and the latency under each. No library; what was uploaded
// is what the server says it received.
"use strict";

const WORDS = {
  vi: {
    title: "Đo tốc độ đường truyền",
    about: "Đo giữa điện thoại hoặc máy này và máy chủ đo của tỉnh. Phép đo dùng hết đường truyền trong khoảng 20 giây.",
    wifi: "Đo qua Wi-Fi thì kết quả là của cả Wi-Fi và đường truyền.",
    start: "Bắt đầu đo", again: "Đo lại", download: "Tải xuống", upload: "Tải lên", mbps: "Mbit/s", ms: "ms",
    idle: "Độ trễ khi đường rỗi", loaded_download: "Độ trễ khi đang tải xuống", loaded_upload: "Độ trễ khi đang tải lên",
    at_idle: "Đang đo độ trễ…", at_download: "Đang đo tải xuống…", at_upload: "Đang đo tải lên…", done: "Đã đo xong.",
    full: "Máy chủ đo đang bận phép đo khác. Hãy thử lại sau ít giây.",
    expired: "Liên kết này đã hết hạn hoặc đã dùng hết dung lượng. Hãy xin liên kết mới từ trang theo dõi.",
    lost: "Mất kết nối với máy chủ đo giữa chừng, nên không có kết quả.",
    used: (n) => `Phép đo đã dùng ${n} MB.`,
  },
  en: {
    title: "Speed of this line",
    about: "Measures between this phone or computer and the province's measurement server. It fills the line for about 20 seconds.",
    wifi: "Over Wi-Fi the figures are those of the Wi-Fi and the line together.",
    start: "Start", again: "Measure again", download: "Download", upload: "Upload", mbps: "Mbit/s", ms: "ms",
    idle: "Latency, idle", loaded_download: "Latency while downloading", loaded_upload: "Latency while uploading",
    at_idle: "Measuring the latency…", at_download: "Measuring the download…", at_upload: "Measuring the upload…",
    done: "Done.",
    full: "The measurement server is busy with another test. Try again in a few seconds.",
    expired: "This link is over, or its allowance is used up. Ask for a new one on the board.",
    lost: "The measurement server was lost in the middle of the test, so there is no result.",
    used: (n) => `The test used ${n} MB.`,
  },
};
const STREAMS = 4, LONGEST_MS = 9000, WARM_MS = 2000, BEAT_MS = 100, PING_MS = 100, POST_BYTES = 2 ** 20;
const byId = (id) => document.getElementById(id);
let language = "vi", said = null, startWord = "start", usedMb = null, figures = {};

class Stopped extends Error {
  constructor(word) { super(word); this.word = word; }
}

function show() {
  const words = WORDS[language], format = (n, digits) => n.toLocaleString(language, { maximumFractionDigits: digits });
  document.documentElement.lang = language;
  document.title = words.title;
  for (const node of document.querySelectorAll("[data-word]")) node.textContent = words[node.dataset.word];
  byId("start").textContent = words[startWord];
  byId("language").textContent = language === "vi" ? "English" : "Tiếng Việt";
  byId("language").lang = language === "vi" ? "en" : "vi";
  byId("state").textContent = said ? words[said] : "";
  byId("used").textContent = usedMb === null ? "" : words.used(format(usedMb, 0));
  for (const id of ["download", "upload", "idle", "loaded_download", "loaded_upload"]) {
    byId(id).textContent = id in figures ? format(figures[id], figures[id] < 100 ? 1 : 0) : "–";
  }
}

function say(word, bad = false) {
  said = word;
  byId("state").className = bad ? "bad" : "";
  show();
}

async function ask(route, options = {}) {
  const answer = await fetch(route, { cache: "no-store", ...options });
  if (answer.status === 503) throw new Stopped("full");
  if (answer.status === 401 || answer.status === 413) throw new Stopped("expired");
  if (!answer.ok) throw new Stopped("lost");
  return answer;
}

const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

async function ping() {
  const begun = performance.now();
  await ask("ping");
  return performance.now() - begun;
}

function median(numbers) {
  const sorted = [...numbers].sort((a, b) => a - b), half = sorted.length >> 1;
  return sorted.length % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

async function idle() {
  const found = [];
  await ping();  // the connection itself
  for (let n = 0; n < 12; n++) { found.push(await ping()); await sleep(20); }
  return median(found);
}

// Load the line by `streams`, look at `counted` every beat, and give the rate behind the warm-up with the latency under it.
async function loaded(streams, counted) {
  const stop = new AbortController(), pings = [], seen = [];
  let failure = null;
  const fail = (error) => { if (!stop.signal.aborted) failure = failure || error; };
  const running = streams(stop.signal).map((stream) => stream.catch(fail));
  const begun = performance.now();
  const pinging = (async () => {
    while (!stop.signal.aborted) {
      const rtt = await ping();
      if (performance.now() - begun > WARM_MS) pings.push(rtt);
      await sleep(PING_MS);
    }
  })().catch(fail);
  while (!failure && performance.now() - begun < LONGEST_MS) {
    await sleep(BEAT_MS);
    try { seen.push(await counted()); } catch (error) { fail(error); }
    byId("progress").value = Math.min(1, (performance.now() - begun) / LONGEST_MS);
  }
  stop.abort();
  await Promise.all([...running, pinging]);
  const kept = seen.filter((s) => s.at - seen[0].at >= WARM_MS);
  if (failure) throw failure;
  if (kept.length < 5 || !pings.length) throw new Stopped("lost");
  const first = kept[0], last = kept[kept.length - 1];
  if (last.bytes <= first.bytes) throw new Stopped("lost");
  return { mbps: ((last.bytes - first.bytes) * 8) / (last.at - first.at) / 1000, rtt: median(pings) };
}

async function download() {
  let bytes = 0;
  const stream = async (signal) => {
    const reader = (await ask("download", { signal })).body.getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) throw new Stopped("expired");
      bytes += value.length;
    }
  };
  const counted = async () => ({ at: performance.now(), bytes });
  return loaded((signal) => Array.from({ length: STREAMS }, () => stream(signal)), counted);
}

async function upload() {
  const noise = new Uint8Array(POST_BYTES);
  for (let at = 0; at < POST_BYTES; at += 65536) crypto.getRandomValues(noise.subarray(at, at + 65536));
  const body = new Blob([noise]);  // kept once, not copied for each request
  const stream = async (signal) => {
    for (;;) await ask("upload", { method: "POST", body, signal });
  };
  const counted = async () => {
    const report = await (await ask("report")).json();
    return { at: report.mono_s * 1000, bytes: report.received };
  };
  return loaded((signal) => Array.from({ length: STREAMS }, () => stream(signal)), counted);
}

async function measure() {
  figures = {}; usedMb = null;
  say("at_idle");
  figures.idle = await idle();
  say("at_download");
  const down = await download();
  figures.download = down.mbps; figures.loaded_download = down.rtt;
  say("at_upload");
  const up = await upload();
  figures.upload = up.mbps; figures.loaded_upload = up.rtt;
  const report = await (await ask("report")).json();
  usedMb = (report.received + report.sent) / 1e6;
  say("done");
}

byId("start").addEventListener("click", async () => {
  byId("start").disabled = true;
  byId("progress").hidden = false;
  try {
    await measure();
  } catch (error) {
    figures = {};
    say(error instanceof Stopped ? error.word : "lost", true);
  }
  byId("progress").hidden = true;
  byId("start").disabled = false;
  startWord = "again";
  show();
});
byId("language").addEventListener("click", () => { language = language === "vi" ? "en" : "vi"; show(); });
show();
