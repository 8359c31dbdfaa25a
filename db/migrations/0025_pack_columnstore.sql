-- Chunks that are packed from now on take a seventh less; those that are packed stay as they are.
select engine.pack_columnstore();
