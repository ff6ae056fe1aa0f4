"""Know what is true: enrolment, inbox, judge, history. Holds no opinion on whom to tell."""
