import pg from 'pg'

const INT8 = 20
const DATE = 1082
const TIMESTAMPTZ = 1184

/**
 * How the hot pool reads values: bigint as a number (task numbers and lease ids stay below 2^53), timestamptz as milliseconds since 1970,
 * date as its text. Offsets are cast to text by their statements, since Kafka's go up to 2^63.
 */
export const rowTypes: pg.CustomTypesConfig = {
  getTypeParser: ((oid: number, format?: 'text' | 'binary') => {
    if (oid === INT8) return Number
    if (oid === TIMESTAMPTZ) return (text: string) => Date.parse(text)
    if (oid === DATE) return String
    return pg.types.getTypeParser(oid, format)
  }) as pg.CustomTypesConfig['getTypeParser'],
}
