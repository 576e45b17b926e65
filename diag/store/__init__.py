"""The recording on disk: one SQLite file with a documented, versioned schema (`schema.sql`)."""

from diag.store.reader import read_recording
from diag.store.tables import APPLICATION_ID, SCHEMA_VERSION, schema_sql
from diag.store.writer import RecordingWriter

__all__ = ["APPLICATION_ID", "SCHEMA_VERSION", "RecordingWriter", "read_recording", "schema_sql"]
