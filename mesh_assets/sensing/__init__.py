"""Notices what happens between discoveries, and hands it over to the run that deals with it.

`observations/` compares cheap reads with the latest document, `alarms.py` reads CloudWatch, `trigger_queue/`
takes messages from SQS. `sweep.py` visits many clusters in one tick, `cursor.py` is what a sensor remembers
between ticks, `handover.py` leads from a cause through the inbox to the run.

Imports `collecting` and the packages below it; nothing from `anomalies`.
"""
