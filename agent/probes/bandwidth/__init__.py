"""The speed of a line, loaded on purpose and by permission.

probe     one run, from lease to stamp      province   our engine: parallel streams against the province's own server
order     what an engine is given and gives speedtest  speedtest-cli in a child, behind the same door
lease     permission to load the line       load       a direction at work, all its streams in turns
streams   load, round trips, the server's count  talk  what is said before and after them
watch     when the estimate is steady       estimate   speed with its interval
look      what else the line carries        result     stamps and values
"""
