"""What follows from the documents: lineage, problems, the fields of schemas, finding things. Pure functions;
nothing is contacted."""
