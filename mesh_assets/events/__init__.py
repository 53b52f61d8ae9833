"""What an event is: model.py makes the records of a snapshot and of a change, `avro/` holds their public schemas, and only
avro_form.py knows how records become Avro and back.

May import anything below it, up to `store`.
"""
