"""The sensors: what each tick covers, and how what it finds becomes runs of the job `discovery`."""
