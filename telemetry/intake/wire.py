"""Prometheus' remote-write 1.0 messages, described so that labels and samples stay bytes.

https://prometheus.io/docs/specs/prw/remote_write_spec/ (prometheus/prompb). A request of 10,000
samples is then 10,000 short byte strings instead of 10,000 objects; what is the same from request
to request, the labels, is recognised without being read.
"""

from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

_BYTES = descriptor_pb2.FieldDescriptorProto.TYPE_BYTES
_STRING = descriptor_pb2.FieldDescriptorProto.TYPE_STRING
_DOUBLE = descriptor_pb2.FieldDescriptorProto.TYPE_DOUBLE
_INT64 = descriptor_pb2.FieldDescriptorProto.TYPE_INT64
_REPEATED = descriptor_pb2.FieldDescriptorProto.LABEL_REPEATED
_OPTIONAL = descriptor_pb2.FieldDescriptorProto.LABEL_OPTIONAL

_PACKAGE = "console.remote_write"
_MESSAGES = {
    "WriteRequest": [("timeseries", 1, _BYTES, _REPEATED)],
    "TimeSeries": [
        ("labels", 1, _BYTES, _REPEATED),
        ("samples", 2, _BYTES, _REPEATED),
        ("histograms", 4, _BYTES, _REPEATED),
    ],
    "Label": [("name", 1, _STRING, _OPTIONAL), ("value", 2, _STRING, _OPTIONAL)],
    "Sample": [("value", 1, _DOUBLE, _OPTIONAL), ("timestamp", 2, _INT64, _OPTIONAL)],
}


def _described() -> descriptor_pb2.FileDescriptorProto:
    file = descriptor_pb2.FileDescriptorProto(
        name="console/remote_write.proto", package=_PACKAGE, syntax="proto3"
    )
    for name, fields in _MESSAGES.items():
        message = file.message_type.add(name=name)
        for field, number, kind, label in fields:
            message.field.add(name=field, number=number, type=kind, label=label)
    return file


_pool = descriptor_pool.DescriptorPool()
_pool.Add(_described())


def _class_of(name: str) -> Any:
    return message_factory.GetMessageClass(_pool.FindMessageTypeByName(f"{_PACKAGE}.{name}"))


WriteRequest = _class_of("WriteRequest")
TimeSeries = _class_of("TimeSeries")
Label = _class_of("Label")
Sample = _class_of("Sample")
