"""What an event is: model.py makes the records of a snapshot and of a change, `avro/` holds their public schemas, and
avro_form.py alone knows how records become Avro and back.

May import everything below it, up to `store`.
"""
