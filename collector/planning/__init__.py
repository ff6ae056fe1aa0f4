"""Who measures what, how often: plans drawn from the inventory, the register and the budget of every service."""
