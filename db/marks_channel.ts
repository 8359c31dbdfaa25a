// The channel on which ingest says that a stream's mark has moved: a hint to look at ops.stream_marks, never data.

export const MARKS_CHANNEL = 'stream_marks';
