"""What belongs together: entities that topics share by keys in their schemas, and domains of topics.

Pure functions over documents. Names, types and places are evidence, not proof, so every result carries its
reason in words, and anything without evidence is left out.
"""
