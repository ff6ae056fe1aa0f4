"""What is true of every subject, in event time: pure functions of what was measured, never of when it arrived.

Subjects of a centre are judged in the order agent, lan, line, device, centre (`collector.judge.court`).
"""
