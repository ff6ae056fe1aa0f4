"""From what is not well to what is wrong and whose it is. Pure: no clock, no database, no order of arrival."""
