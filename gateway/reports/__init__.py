"""Reports: tables and figures about what is on record, and their forms as HTML, PDF, CSV and JSON."""
