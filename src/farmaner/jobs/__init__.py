"""Jobs: many documents annotated, however large the input, and none lost.

inputs      what is named on the command line, as a list of files frozen when the job begins
reading     files to items: a document, or why there is none
shards      items in numbered shards
annotator   a shard's documents to documents with entities; one failure costs one document
workers     annotators in a thread, or in `processes`
writing     documents to bytes in a format; `names` of files, and how they last on the `disk`
manifest    what is done, on disk
checks      what is refused before a job begins or goes on
run         all of it
"""
