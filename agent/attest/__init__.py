"""Once an hour the agent signs what it was receipted for; the key and the library that uses it live in a child."""
