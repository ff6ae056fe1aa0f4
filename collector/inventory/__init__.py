"""What the province has: centres, lines, devices, people, services, hours, norms. From files, in versions, for ever."""
