"""Pure decisions: no input or output, no clock, no chance, no logging.

Everything here takes values (among them ``now``) and returns values.
"""
