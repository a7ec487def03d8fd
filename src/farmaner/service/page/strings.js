// Every string of the page, in both languages. {name} is replaced; {one, other} is chosen by {n}.

export const STRINGS = {
  es: {
    skip: "Ir al contenido",
    title: "farmaner: anotar textos clínicos",
    tagline: "fármacos, sustancias y proteínas en textos clínicos en español",
    language: "Idioma",
    theme: "Aspecto",
    theme_auto: "Sistema",
    theme_light: "Claro",
    theme_dark: "Oscuro",
    source: "Texto",
    source_summary: {
      one: "{n} documento, {characters} caracteres",
      other: "{n} documentos, {characters} caracteres",
    },
    note_label: "Nota clínica",
    note_placeholder:
      "Pegue aquí una nota, o suelte en la página archivos .txt (y sus .ann si quiere comparar).",
    files_label: "Archivos cargados",
    file_characters: { one: "{n} carácter", other: "{n} caracteres" },
    file_gold: "anotación de referencia",
    file_gold_alone: "anotación de referencia sin su texto",
    remove_file: "Quitar {name}",
    annotate: { one: "Anotar", other: "Anotar {n} documentos" },
    cancel: "Cancelar",
    choose_files: "Elegir archivos…",
    load_examples: "Notas de ejemplo",
    clear: "Vaciar",
    link_codes: "Buscar códigos",
    privacy:
      "El texto se envía solo a este servidor ({host}) y a ningún otro sitio. La página no guarda nada.",
    token_label: "Este servidor pide una clave de acceso",
    token_send: "Continuar",
    token_hint: "Se guarda en la memoria de esta pestaña y se olvida al cerrarla.",
    results: "Resultado",
    document: "Documento",
    previous_document: "Documento anterior",
    next_document: "Documento siguiente",
    document_place: "{i} de {n}",
    text_label: "Texto con las entidades marcadas",
    keys: "Con el teclado: [Tab] lleva al texto, [←] [→] pasan de una entidad a otra, [Inicio] y [Fin] van a la primera y a la última, [Intro] abre la ficha, [Esc] la cierra.",
    filters: "Qué se ve",
    view: "Vista",
    view_predicted: "Predicción",
    view_gold: "Referencia",
    view_differences: "Diferencias",
    states: "Diferencias",
    found: "encontradas",
    missed: "omitidas",
    spurious: "espurias",
    unscored: "no se puntúa",
    state_found: "coincide con la referencia",
    state_missed: "está en la referencia y no en la predicción",
    state_spurious: "está en la predicción y no en la referencia",
    state_unscored: "UNCLEAR no se puntúa",
    labels: "Etiquetas",
    label_NORMALIZABLES: "Fármaco o sustancia",
    label_NO_NORMALIZABLES: "Sustancia sin código posible",
    label_PROTEINAS: "Proteína o gen",
    label_UNCLEAR: "Mención dudosa",
    threshold: "Confianza mínima",
    threshold_hint: "Junto a la letra, la confianza en % si no llega a 80.",
    details_hint: "Elija una entidad para ver su código, su término y su confianza.",
    label: "Etiqueta",
    score: "Confianza",
    no_score: "no la hay: viene de la referencia",
    code: "Código",
    gold_code: "Código de referencia",
    code_score: "Confianza del código",
    term: "Término",
    no_code: "sin código",
    null_code: "<null>: la terminología no lo recoge",
    not_linked: "no se pidieron códigos",
    place: "Lugar",
    place_value: "caracteres {start}–{end} de {document}",
    comparison_state: "Comparación",
    also_here: "También aquí",
    same_concept: { one: "Aparece una vez", other: "{n} apariciones" },
    previous_same: "Aparición anterior",
    next_same: "Aparición siguiente",
    copy_code: "Copiar código",
    close: "Cerrar la ficha",
    summary: { one: "{n} entidad en {documents}", other: "{n} entidades en {documents}" },
    summary_of: {
      one: "{n} de {all} entidades en {documents}",
      other: "{n} de {all} entidades en {documents}",
    },
    n_documents: { one: "{n} documento", other: "{n} documentos" },
    nothing_found: "No se ha encontrado ninguna entidad en {documents}.",
    empty_text: "(documento vacío)",
    comparison: "Predicción y referencia",
    comparison_rule:
      "Coinciden las entidades de igual etiqueta, inicio y final. La predicción cuenta desde la confianza mínima elegida; UNCLEAR no se puntúa.",
    comparison_partial: "Comparados {n} de {all} documentos: los demás no tienen referencia.",
    gold: "referencia",
    precision: "precisión",
    recall: "exhaustividad",
    f1: "F1",
    all: "todas",
    concepts: "Conceptos",
    concepts_hint:
      "Las entidades que se ven, agrupadas por código; las que no lo tienen, por nombre sin distinguir mayúsculas.",
    concept: "Concepto",
    count: "Veces",
    n_documents_short: "Docs.",
    best_score: "Confianza máx.",
    more_rows: { one: "Mostrar {n} más", other: "Mostrar {n} más" },
    no_concepts: "Nada que agrupar con estos filtros.",
    export: "Copiar y descargar",
    export_hint:
      "Las entidades predichas con las etiquetas y la confianza mínima elegidas, de todos los documentos.",
    format: "Formato",
    format_table: "Tabla",
    format_hint_brat:
      "Anotación de brat; las posiciones cuentan caracteres Unicode del archivo tal como está, también BOM y CRLF. Varios documentos se descargan en un .zip con sus textos; se copia el documento a la vista.",
    format_hint_json: "Los textos y sus entidades, con posiciones en caracteres Unicode.",
    format_hint_csv:
      "Una fila por entidad, UTF-8, separada por comas. Un apóstrofo protege lo que una hoja de cálculo tomaría por fórmula.",
    format_hint_table: "La tabla de conceptos de arriba, como CSV.",
    download: "Descargar",
    copy: "Copiar",
    copied: "Copiado.",
    not_copied: "El navegador no ha dejado copiar.",
    no_device:
      "farmaner no es un producto sanitario: omite nombres e inventa otros. Nada de lo que muestra debe decidir un tratamiento sin que alguien lo lea.",
    about: "farmaner {farmaner} · modelo {name} {version}",
    api: "Interfaz HTTP",
    drop_here: "Suelte aquí los archivos .txt y .ann",
    progress: { one: "Anotando {n} documento…", other: "Anotando: {done} de {n} documentos…" },
    busy_server: {
      one: "El servidor está ocupado; se reintenta en {n} segundo…",
      other: "El servidor está ocupado; se reintenta en {n} segundos…",
    },
    cancelled: "Cancelado. El texto sigue aquí.",
    error_empty: "No hay texto que anotar: pegue una nota o suelte un archivo .txt.",
    error_kind: "{name}: se esperaba un archivo .txt o .ann.",
    error_utf8:
      "{name}: se esperaba texto UTF-8 y no lo es. Guárdelo como UTF-8 (no Windows-1252 ni Latin-1) y vuelva a soltarlo.",
    error_read: "{name}: el navegador no ha podido leer el archivo.",
    error_file_size: "{name}: {n} bytes; este servidor admite {max}.",
    error_chars: "{name}: {n} caracteres; este servidor admite {max}. No se ha anotado.",
    error_body:
      "{name}: demasiado grande para una petición a este servidor ({max} bytes). No se ha anotado.",
    error_network:
      "No hay respuesta del servidor. Compruebe que sigue en marcha y vuelva a intentarlo; el texto sigue aquí.",
    error_service: "El servidor ha respondido {status}: {error}",
    error_service_bare: "El servidor ha respondido {status}.",
    error_answer: "La respuesta del servidor no encaja con el texto de {name}; no se muestra.",
    error_token: "El servidor no acepta esa clave.",
    error_partial: {
      one: "Falta {n} documento por anotar.",
      other: "Faltan {n} documentos por anotar.",
    },
    gold_line: "{name}, línea {line}: no es una línea de anotación de brat; no se compara.",
    gold_place: {
      one: "{name}: {n} entidad no está en el texto en su lugar (línea {lines}); no se compara.",
      other:
        "{name}: {n} entidades no están en el texto en su lugar (líneas {lines}); no se comparan.",
    },
    gold_discontinuous: {
      one: "{name}: {n} entidad discontinua (línea {lines}); no se compara.",
      other: "{name}: {n} entidades discontinuas (líneas {lines}); no se comparan.",
    },
    gold_counted: {
      one: "{name}: {n} entidad recolocada; el archivo cuenta de otro modo ({reason}).",
      other: "{name}: {n} entidades recolocadas; el archivo cuenta de otro modo ({reason}).",
    },
    gold_alone: "{name}: no hay ningún documento con ese nombre; no se compara.",
    reason_crlf: "CRLF como un carácter",
    reason_bom: "sin contar el BOM",
    reason_utf16: "unidades UTF-16",
  },
  en: {
    skip: "Skip to the content",
    title: "farmaner: annotate clinical text",
    tagline: "drugs, chemicals and proteins in Spanish clinical text",
    language: "Language",
    theme: "Appearance",
    theme_auto: "System",
    theme_light: "Light",
    theme_dark: "Dark",
    source: "Text",
    source_summary: {
      one: "{n} document, {characters} characters",
      other: "{n} documents, {characters} characters",
    },
    note_label: "Clinical note",
    note_placeholder:
      "Paste a note here, or drop .txt files on the page (and their .ann, to compare).",
    files_label: "Files loaded",
    file_characters: { one: "{n} character", other: "{n} characters" },
    file_gold: "gold annotation",
    file_gold_alone: "gold annotation without its text",
    remove_file: "Remove {name}",
    annotate: { one: "Annotate", other: "Annotate {n} documents" },
    cancel: "Cancel",
    choose_files: "Choose files…",
    load_examples: "Example notes",
    clear: "Clear",
    link_codes: "Find codes",
    privacy: "The text is sent to this server ({host}) and nowhere else. The page keeps nothing.",
    token_label: "This server asks for an access token",
    token_send: "Continue",
    token_hint: "It stays in this tab's memory and is forgotten when you close it.",
    results: "Result",
    document: "Document",
    previous_document: "Previous document",
    next_document: "Next document",
    document_place: "{i} of {n}",
    text_label: "Text with its entities marked",
    keys: "By keyboard: [Tab] leads to the text, [←] [→] go from entity to entity, [Home] and [End] to the first and the last, [Enter] opens the card, [Esc] closes it.",
    filters: "What is shown",
    view: "View",
    view_predicted: "Predicted",
    view_gold: "Gold",
    view_differences: "Differences",
    states: "Differences",
    found: "found",
    missed: "missed",
    spurious: "spurious",
    unscored: "not scored",
    state_found: "gold agrees",
    state_missed: "in gold, not predicted",
    state_spurious: "predicted, not in gold",
    state_unscored: "UNCLEAR is not scored",
    labels: "Labels",
    label_NORMALIZABLES: "Drug or chemical",
    label_NO_NORMALIZABLES: "Chemical without a code",
    label_PROTEINAS: "Protein or gene",
    label_UNCLEAR: "Unclear mention",
    threshold: "Least confidence",
    threshold_hint: "Beside the letter, the confidence in % where it is below 80.",
    details_hint: "Choose an entity to see its code, term and confidence.",
    label: "Label",
    score: "Confidence",
    no_score: "none: it comes from gold",
    code: "Code",
    gold_code: "Gold code",
    code_score: "Confidence of the code",
    term: "Term",
    no_code: "no code",
    null_code: "<null>: no terminology names it",
    not_linked: "codes were not asked for",
    place: "Place",
    place_value: "characters {start}–{end} of {document}",
    comparison_state: "Comparison",
    also_here: "Also here",
    same_concept: { one: "Occurs once", other: "{n} occurrences" },
    previous_same: "Previous occurrence",
    next_same: "Next occurrence",
    copy_code: "Copy code",
    close: "Close the card",
    summary: { one: "{n} entity in {documents}", other: "{n} entities in {documents}" },
    summary_of: {
      one: "{n} of {all} entities in {documents}",
      other: "{n} of {all} entities in {documents}",
    },
    n_documents: { one: "{n} document", other: "{n} documents" },
    nothing_found: "No entity was found in {documents}.",
    empty_text: "(empty document)",
    comparison: "Predicted and gold",
    comparison_rule:
      "Entities agree when label, start and end are the same. Predictions count from the least confidence chosen; UNCLEAR is not scored.",
    comparison_partial: "{n} of {all} documents compared: the others have no gold.",
    gold: "gold",
    precision: "precision",
    recall: "recall",
    f1: "F1",
    all: "all",
    concepts: "Concepts",
    concepts_hint:
      "The entities shown, grouped by code; those without one by name, whatever its case.",
    concept: "Concept",
    count: "Times",
    n_documents_short: "Docs.",
    best_score: "Best score",
    more_rows: { one: "Show {n} more", other: "Show {n} more" },
    no_concepts: "Nothing to group under these filters.",
    export: "Copy and download",
    export_hint:
      "The predicted entities with the labels and the least confidence chosen, of all documents.",
    format: "Format",
    format_table: "Table",
    format_hint_brat:
      "brat standoff; offsets count the Unicode characters of the file as it is, BOM and CRLF included. Several documents come as a .zip with their texts; the document in view is copied.",
    format_hint_json: "The texts and their entities, with offsets in Unicode characters.",
    format_hint_csv:
      "One row an entity, UTF-8, separated by commas. An apostrophe guards what a spreadsheet would take for a formula.",
    format_hint_table: "The table of concepts above, as CSV.",
    download: "Download",
    copy: "Copy",
    copied: "Copied.",
    not_copied: "The browser refused to copy.",
    no_device:
      "farmaner is no medical device: it misses names and invents some. Nothing it shows should decide a treatment unread.",
    about: "farmaner {farmaner} · model {name} {version}",
    api: "HTTP interface",
    drop_here: "Drop .txt and .ann files here",
    progress: { one: "Annotating {n} document…", other: "Annotating: {done} of {n} documents…" },
    busy_server: {
      one: "The server is busy; trying again in {n} second…",
      other: "The server is busy; trying again in {n} seconds…",
    },
    cancelled: "Cancelled. The text is still here.",
    error_empty: "There is no text to annotate: paste a note or drop a .txt file.",
    error_kind: "{name}: expected a .txt or .ann file.",
    error_utf8:
      "{name}: expected UTF-8 text, found something else. Save it as UTF-8 (not Windows-1252 or Latin-1) and drop it again.",
    error_read: "{name}: the browser could not read the file.",
    error_file_size: "{name}: {n} bytes; this server takes {max}.",
    error_chars: "{name}: {n} characters; this server takes {max}. It was not annotated.",
    error_body:
      "{name}: too large for one request to this server ({max} bytes). It was not annotated.",
    error_network:
      "The server does not answer. See that it is running and try again; the text is still here.",
    error_service: "The server answered {status}: {error}",
    error_service_bare: "The server answered {status}.",
    error_answer: "The server's answer does not fit the text of {name}; it is not shown.",
    error_token: "The server does not accept that token.",
    error_partial: {
      one: "{n} document is left to annotate.",
      other: "{n} documents are left to annotate.",
    },
    gold_line: "{name}, line {line}: not a line of brat annotation; it is not compared.",
    gold_place: {
      one: "{name}: {n} entity is not in the text at its place (line {lines}); it is not compared.",
      other:
        "{name}: {n} entities are not in the text at their place (lines {lines}); they are not compared.",
    },
    gold_discontinuous: {
      one: "{name}: {n} discontinuous entity (line {lines}); it is not compared.",
      other: "{name}: {n} discontinuous entities (lines {lines}); they are not compared.",
    },
    gold_counted: {
      one: "{name}: {n} entity moved; the file counts otherwise ({reason}).",
      other: "{name}: {n} entities moved; the file counts otherwise ({reason}).",
    },
    gold_alone: "{name}: no document has that name; it is not compared.",
    reason_crlf: "CRLF as one character",
    reason_bom: "the BOM not counted",
    reason_utf16: "UTF-16 units",
  },
};

let language = "es";

export const chosenLanguage = () => language;

export function speak(chosen) {
  language = chosen in STRINGS ? chosen : "es";
}

/** Return the string of that key in the chosen language. */
export function t(key, values = {}) {
  const entry = STRINGS[language][key];
  const plural = typeof entry === "object";
  const text = plural
    ? entry[new Intl.PluralRules(language).select(values.n) === "one" ? "one" : "other"]
    : entry;
  return text.replace(/\{(\w+)\}/g, (whole, name) => {
    const value = values[name];
    if (value === undefined) return whole;
    return typeof value === "number" ? number(value) : value;
  });
}

export const has = (key) => key in STRINGS[language];

export const number = (value, digits = 0) =>
  value.toLocaleString(language, {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
    useGrouping: "always",
  });

/** A share as the language writes it: `97,1 %`, `97.1%`; a dash where there is none. */
export const percent = (value, digits = 1) =>
  value === null
    ? "–"
    : value.toLocaleString(language, {
        style: "percent",
        minimumFractionDigits: digits,
        maximumFractionDigits: digits,
      });
