"""What people change of the register over the years: planned stops, moves, names, mergers, the end and the way back.

Nothing is deleted: every act ends rows and makes others, leaves an audit row, and says how it is taken back.
"""
