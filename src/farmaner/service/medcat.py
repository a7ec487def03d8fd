"""What clients of the MedCAT service expect, as a thin translation.

Requests and answers are those of medcat-service (github.com/CogStack/cogstack-nlp): `content`
with a `text`, and for each document `annotations`, a list with one table of entities by number.
"""

from __future__ import annotations

import json
from datetime import datetime, timezone
from importlib import metadata
from typing import Annotated, Any

from fastapi import APIRouter, Request, Response
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from farmaner.document import Document, Entity
from farmaner.service.schemas import NOTE, Text, error_answers
from farmaner.service.state import CurrentService, Service

router = APIRouter(prefix="/api", tags=["MedCAT"])


def _writable(footer: Any) -> Any:
    try:
        json.dumps(footer, allow_nan=False)
    except (ValueError, RecursionError):
        raise ValueError("expected JSON without NaN, found another") from None
    return footer


class Content(BaseModel):
    """A text, and a footer that comes back as it is."""

    model_config = ConfigDict(hide_input_in_errors=True)

    text: Text | None
    footer: Annotated[str | dict[str, Any] | None, AfterValidator(_writable)] = None


class ProcessRequest(BaseModel):
    """One document. Other fields that MedCAT knows are passed over."""

    model_config = ConfigDict(
        hide_input_in_errors=True, json_schema_extra={"examples": [{"content": {"text": NOTE}}]}
    )

    content: Content
    meta_anns_filters: Annotated[
        list[Any] | None, Field(max_length=0, description="farmaner has no meta-annotations")
    ] = None


class BulkRequest(BaseModel):
    """Several documents."""

    model_config = ConfigDict(
        hide_input_in_errors=True,
        json_schema_extra={"examples": [{"content": [{"text": NOTE}, {"text": "Sin cambios."}]}]},
    )

    content: list[Content]


class MedcatEntity(BaseModel):
    """An entity in MedCAT's words: `cui` is its code, empty where it has none."""

    pretty_name: str
    cui: str
    type_ids: list[str]
    types: list[str]
    source_value: str
    detected_name: str
    acc: float
    context_similarity: float
    start: int
    end: int
    icd10: list[str]
    ontologies: list[str]
    snomed: list[str]
    id: int
    meta_anns: dict[str, Any]


class MedcatResult(BaseModel):
    """A document with its entities by number."""

    text: str
    annotations: list[dict[str, MedcatEntity]]
    success: bool
    timestamp: str
    elapsed_time: float
    footer: str | dict[str, Any] | None = None


class MedcatInfo(BaseModel):
    """What answered."""

    service_app_name: str
    service_language: str
    service_version: str
    service_model: str
    model_card_info: dict[str, Any]


class ProcessResponse(BaseModel):
    """The answer for one document."""

    medcat_info: MedcatInfo
    result: MedcatResult


class BulkResponse(BaseModel):
    """The answer for several, in their order."""

    medcat_info: MedcatInfo
    result: list[MedcatResult]


_ERRORS = error_answers(401, 408, 413, 422, 429, 500, 503)


@router.get("/info", summary="Which service this is", responses=error_answers(401))
async def info(service: CurrentService) -> MedcatInfo:
    """Tell what MedCAT's `/api/info` tells."""
    return MedcatInfo.model_validate(_info(service))


@router.post(
    "/process", summary="Annotate one text", response_model=ProcessResponse, responses=_ERRORS
)
async def process(request: Request, asked: ProcessRequest, service: CurrentService) -> Any:
    """Annotate and code one text."""
    [result] = await _results(request, [asked.content], service)
    result["annotations"] = result["annotations"] or [{}]  # as MedCAT does for one text
    return _json({"medcat_info": _info(service), "result": result})


@router.post(
    "/process_bulk", summary="Annotate texts", response_model=BulkResponse, responses=_ERRORS
)
async def process_bulk(request: Request, asked: BulkRequest, service: CurrentService) -> Any:
    """Annotate and code several texts; a blank one has no annotations."""
    results = await _results(request, asked.content, service) if asked.content else []
    return _json({"medcat_info": _info(service), "result": results})


def _json(content: dict[str, Any]) -> Response:
    """Return JSON in ASCII, for a footer may hold what UTF-8 cannot."""
    return Response(json.dumps(content), media_type="application/json")


async def _results(
    request: Request, contents: list[Content], service: Service
) -> list[dict[str, Any]]:
    texts = [(str(number), content.text or "") for number, content in enumerate(contents)]
    begun = datetime.now(tz=timezone.utc)
    documents = await service.annotate(request, texts, link=service.terms is not None)
    service.count(request, documents)
    done = datetime.now(tz=timezone.utc)
    shared = {
        "success": True,
        "timestamp": done.isoformat(timespec="milliseconds"),
        "elapsed_time": (done - begun).total_seconds(),
    }
    results = []
    for content, document in zip(contents, documents):
        result = {"text": document.text, "annotations": _annotations(document, service), **shared}
        if "footer" in content.model_fields_set:
            result["footer"] = content.footer
        results.append(result)
    return results


def _annotations(document: Document, service: Service) -> list[dict[str, Any]]:
    if not document.text.strip():
        return []
    entities = enumerate(document.entities)
    return [{str(number): _entity(number, entity, service) for number, entity in entities}]


def _entity(number: int, entity: Entity, service: Service) -> dict[str, Any]:
    code = entity.concept.code if entity.concept else ""
    score = entity.score if entity.score is not None else 1.0
    link_score = entity.concept.score if entity.concept else None
    return {
        "pretty_name": (service.terms.of(code) if service.terms else None) or entity.text,
        "cui": code,
        "type_ids": [entity.label],
        "types": [entity.label],
        "source_value": entity.text,
        "detected_name": "~".join(entity.text.lower().split()),
        "acc": round(score, 4),
        "context_similarity": round(score if link_score is None else link_score, 4),
        "start": entity.start,
        "end": entity.end,
        "icd10": [],
        "ontologies": [],
        "snomed": [],
        "id": number,
        "meta_anns": {},
    }


def _info(service: Service) -> dict[str, Any]:
    return {
        "service_app_name": "farmaner",
        "service_language": "es",
        "service_version": metadata.version("farmaner"),
        "service_model": service.name,
        "model_card_info": {
            "ontologies": None,
            "meta_cat_model_names": [],
            "rel_cat_model_names": [],
            "model_last_modified_on": None,
        },
    }
