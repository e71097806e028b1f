"""Pages and live stream."""
