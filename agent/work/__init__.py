"""What is measured when: plan, schedule, runner, tasks, and the bounds of a result."""
