"""Files in and out: contacts from spreadsheets, reports to spreadsheets."""
