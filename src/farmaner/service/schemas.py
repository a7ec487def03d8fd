"""What goes over the wire: the requests and answers of the service's own interface."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

NOTE = "Niega alergia a penicilina. Hb 9,2 g/dl: inicia hierro oral."

_STRICT = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True)


def _whole(text: str) -> str:
    """Refuse halves of UTF-16 pairs, which no answer could carry."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise ValueError("expected Unicode text, found half of a surrogate pair") from None
    return text


Text = Annotated[str, AfterValidator(_whole)]
Id = Annotated[str, Field(max_length=256), AfterValidator(_whole)]


class DocumentIn(BaseModel):
    """A text with the id under which its entities come back."""

    model_config = _STRICT

    id: Id | None = None
    text: Text


class AnnotateRequest(BaseModel):
    """One `text`, or several `documents`, and what to do with them."""

    model_config = _STRICT | ConfigDict(
        json_schema_extra={
            "oneOf": [{"required": ["text"]}, {"required": ["documents"]}],
            "examples": [
                {"text": NOTE},
                {
                    "documents": [{"id": "1", "text": NOTE}, {"id": "2", "text": "Sin hallazgos."}],
                    "link": True,
                    "minimum_score": 0.5,
                    "labels": ["NORMALIZABLES", "PROTEINAS"],
                    "offsets": "utf16",
                },
            ],
        }
    )

    text: Text | None = None
    documents: Annotated[list[DocumentIn] | None, Field(min_length=1)] = None
    link: Annotated[bool, Field(description="give entities their codes")] = False
    minimum_score: Annotated[float, Field(ge=0, le=1)] = 0.0
    labels: Annotated[list[str] | None, Field(description="these only; null: all")] = None
    offsets: Annotated[
        Literal["codepoints", "utf16"],
        Field(description="what offsets count; utf16 is what JavaScript counts"),
    ] = "codepoints"

    @model_validator(mode="after")
    def _one_of_two(self) -> AnnotateRequest:
        if (self.text is None) == (self.documents is None):
            raise ValueError("expected either text or documents")
        return self

    def texts(self) -> list[tuple[str, str]]:
        """Return the id and the text of every document; one without an id has its number."""
        if self.documents is None:
            return [("0", self.text or "")]
        return [
            (str(number) if document.id is None else document.id, document.text)
            for number, document in enumerate(self.documents)
        ]


class EntityOut(BaseModel):
    """A span of the text with its label; offsets are end-exclusive.

    `code`, `code_score` and `term` are there when `link` was asked for, and null where the
    entity has no code.
    """

    label: str
    start: int
    end: int
    text: str
    score: float | None
    code: str | None = None
    code_score: float | None = None
    term: str | None = None


class DocumentOut(BaseModel):
    """The entities of one document, in order of place; its text is not sent back."""

    id: str
    entities: list[EntityOut]


class ModelOut(BaseModel):
    """Which model answered: its name, and the beginning of its files' SHA-256."""

    name: str
    version: str


class AnnotateResponse(BaseModel):
    """The documents in the order in which they were sent."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "model": {"name": "farmaner-es-1", "version": "0123456789ab"},
                    "offsets": "codepoints",
                    "documents": [
                        {
                            "id": "0",
                            "entities": [
                                {
                                    "label": "NORMALIZABLES",
                                    "start": 16,
                                    "end": 26,
                                    "text": "penicilina",
                                    "score": 0.99,
                                }
                            ],
                        }
                    ],
                }
            ]
        }
    )

    model: ModelOut
    offsets: Literal["codepoints", "utf16"]
    documents: list[DocumentOut]


class LimitsOut(BaseModel):
    """What a request may hold, and how long it may take."""

    max_body_bytes: int
    max_chars: int
    max_documents: int
    timeout_seconds: float


class InfoOut(BaseModel):
    """The model, what it finds, and the limits."""

    name: str
    version: str
    farmaner: str
    labels: list[str]
    backend: str
    linking: bool
    limits: LimitsOut


class StateOut(BaseModel):
    """`ok`."""

    status: Literal["ok"]


class ErrorOut(BaseModel):
    """The body of every answer that is no success; it never quotes what was sent."""

    error: str
    error_type: str


def error_answers(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the `responses` of a route that may fail with these."""
    return {status: {"model": ErrorOut} for status in statuses}
