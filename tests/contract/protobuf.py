"""Loaded by schemathesis, which sends any bytes where the document speaks of protobuf."""

import schemathesis

schemathesis.serializer.alias("application/x-protobuf", "application/octet-stream")
