"""What sensors see: observations of a cluster against its latest document, alarms, messages from a queue."""
