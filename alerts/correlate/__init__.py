"""From states to verdicts: pure correlation over a look-back window, in event time.

`correlate(picture)` gives every verdict of a picture. It is asked again whenever something became known, also of what
is over: late evidence then gives another owner, another beginning or end, or another cut of the same trouble. What
holds together from one look to the next is for the caller to see, and meant so:

- Two verdicts speak of the same trouble where their times overlap, or come within `settle_s` of each other, and either
  their `cause` is the same or they share a subject. Every verdict on a centre that fell silent has the `agent:` of its
  box among its subjects, whatever it was first or is later called: unknown → power, line or carrier; agent → lan.
- One may become several, and several one (an area's power out of its centres'): the one that shares most subjects, and
  of those the oldest, goes on; the others are joined to it or begun anew.
- Verdicts of one cause follow each other in time and never overlap: the later one is the trouble come back.
- `unknown` verdicts with a state of `unknown` are first looks. Most find their owner within `agent_silent_s`; whoever
  is called before that may have to be told otherwise.
- `considered` and the figures in `said` and `evidence` move with every look; owner, state, `since_ms`, `ended_ms`,
  `subjects`, `centres` and `affected` are what a revision is held against.

For one change among many centres, `touched` names the clusters to be looked at again (a boot is a change of its
agent), `stirs` says when time alone asks for that, `correlate(picture, only=…)` looks at these alone, and `home` tells
of a verdict which cluster it belongs to: what is found takes the place of all verdicts whose home was looked at.
`alerts.incidents.kept` does so look by look.
"""

from alerts.correlate.clusters import SHARED, home, touched
from alerts.correlate.judgement import correlate, explain
from alerts.correlate.waiting import stirs

__all__ = ["SHARED", "correlate", "explain", "home", "stirs", "touched"]
