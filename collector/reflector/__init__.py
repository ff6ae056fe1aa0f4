"""Answers UDP packets of the province's agents, so that they see what a video conference would."""
