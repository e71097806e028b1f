"""All Asterisk: AMI, the outbox, and the simulated switch."""
