"""Who there is: the authority, enrolment, plans, tasks, presence, conditions, people who may act."""
