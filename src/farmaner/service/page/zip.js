// A ZIP archive of texts, stored without compression (PKWARE APPNOTE 6.3.10, sections 4.3 and 4.4).

const UTF8_NAMES = 0x0800;
const VERSION = 20;
const MIDNIGHT_1980 = [0, 0x21]; // the first moment that the format knows: equal content, equal bytes

/** Return the bytes of an archive of [name, text] pairs. */
export function zipped(files) {
  const encoder = new TextEncoder();
  const [parts, directory] = [[], []];
  let offset = 0;
  for (const [name, text] of files) {
    const [path, data] = [encoder.encode(name), encoder.encode(text)];
    const common = [
      ...shorts(VERSION, UTF8_NAMES, 0, ...MIDNIGHT_1980),
      ...longs(crc32(data), data.length, data.length),
      ...shorts(path.length, 0),
    ];
    parts.push(Uint8Array.of(...longs(0x04034b50), ...common), path, data);
    directory.push(
      Uint8Array.of(
        ...longs(0x02014b50),
        ...shorts(VERSION),
        ...common,
        ...shorts(0, 0, 0),
        ...longs(0, offset),
      ),
      path,
    );
    offset += 30 + path.length + data.length;
  }
  const length = directory.reduce((sum, part) => sum + part.length, 0);
  const counts = shorts(0, 0, files.length, files.length);
  const end = Uint8Array.of(
    ...longs(0x06054b50),
    ...counts,
    ...longs(length, offset),
    ...shorts(0),
  );
  return new Blob([...parts, ...directory, end]);
}

const shorts = (...values) => values.flatMap((value) => [value & 0xff, (value >>> 8) & 0xff]);
const longs = (...values) => values.flatMap((value) => shorts(value & 0xffff, value >>> 16));

const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit += 1) value = value & 1 ? 0xedb88320 ^ (value >>> 1) : value >>> 1;
  return value;
});

function crc32(data) {
  let value = 0xffffffff;
  for (const byte of data) value = TABLE[(value ^ byte) & 0xff] ^ (value >>> 8);
  return (value ^ 0xffffffff) >>> 0;
}
