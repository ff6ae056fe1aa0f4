"""The agents' socket: routes, the wait channel, the read API, problem documents."""
