"""Dates and times as staff read them: short, and with the hours of the whole day."""

DATE_FORMAT = "j M Y"
DATETIME_FORMAT = "j M Y, H:i"
TIME_FORMAT = "H:i"
