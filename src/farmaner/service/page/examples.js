// Notes invented for this page; no patient stands behind any of them.

export const EXAMPLES = [
  {
    id: "ejemplo-alta",
    text: `INFORME DE ALTA · MEDICINA INTERNA

Mujer de 68 años con hipertensión, diabetes mellitus tipo 2 y fibrilación auricular permanente. Alergia a penicilina (exantema en 2009). Tratamiento habitual: enalapril 10 mg, metformina 850 mg/12 h, bisoprolol 2,5 mg y acenocumarol según pauta.

Ingresa por disnea y edemas de diez días. En urgencias recibe furosemida intravenosa y oxígeno en gafas nasales. Analítica: creatinina 1,4 mg/dl, potasio 5,3 mEq/l, hemoglobina 10,8 g/dl, ferritina 18 ng/ml, albúmina 3,1 g/dl, PCR 4,2 mg/l, NT-proBNP 4.120 pg/ml, TSH normal.

Al tercer día presenta exantema pruriginoso tras la segunda dosis de levofloxacino, que se suspende; cede con dexclorfeniramina. Se sustituye enalapril por sacubitrilo/valsartán y se añade hierro carboximaltosa por ferropenia. El potasio baja a 4,6 mEq/l.

Al alta: furosemida 40 mg por la mañana, bisoprolol 2,5 mg, dapagliflozina 10 mg, metformina 850 mg/12 h y apixabán 5 mg/12 h en lugar de acenocumarol. Evitar antiinflamatorios. Control de creatinina y potasio en una semana.
`,
  },
  {
    id: "ejemplo-consulta",
    text: `Teleconsulta 📱 · REUMATOLOGÍA

Varón de 41 años con artritis reumatoide (anticuerpos anti-CCP positivos, factor reumatoide 96 UI/ml), en tratamiento con metotrexato 15 mg semanales, ácido fólico 5 mg y prednisona 5 mg. Escribe 👩🏽‍⚕️ porque desde hace dos semanas toma por su cuenta ibuprofeno y, según dice, «un protector», omeprazol.

Última analítica: ALT 96 U/l, AST 71 U/l, GGT 88 U/l, bilirrubina normal, creatinina 0,9 mg/dl, PCR 12 mg/l, hemoglobina 13,9 g/dl.

Se le indica suspender el ibuprofeno y el metotrexato hasta repetir las transaminasas; paracetamol si hay dolor (máx. 2 g/día). No alcohol 🍷. Si persiste la actividad se valorará adalimumab, previo estudio de hepatitis B (HBsAg, anti-HBc) y de tuberculosis (interferón γ).
`,
  },
  {
    id: "ejemplo-notificacion",
    text: `NOTIFICACIÓN DE SOSPECHA DE REACCIÓN ADVERSA

Paciente de 75 años. Fármacos: simvastatina 40 mg/día desde 2016; claritromicina 500 mg/12 h durante 7 días por neumonía; omeprazol 20 mg.
Reacción: al sexto día de claritromicina, debilidad proximal, mialgias y orina oscura. CPK 18.400 U/l, mioglobina elevada, creatinina 2,9 mg/dl (previa 1,1), potasio 6,1 mEq/l, LDH 1.150 U/l.
Evolución: se retiran simvastatina y claritromicina; suero salino, bicarbonato y gluconato cálcico. CPK 640 U/l al décimo día. No se reexpone. Al alta, pravastatina no; se valorará ezetimiba.
Valoración del notificador: rabdomiolisis por interacción de claritromicina con simvastatina (inhibición del CYP3A4).
`,
  },
];
