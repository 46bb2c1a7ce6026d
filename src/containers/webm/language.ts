/** The twenty languages whose bibliographic code differs from the terminological one. ISO 639-2. */
const BIBLIOGRAPHIC: Readonly<Record<string, string>> = {
  sqi: 'alb',
  hye: 'arm',
  eus: 'baq',
  mya: 'bur',
  zho: 'chi',
  ces: 'cze',
  nld: 'dut',
  fra: 'fre',
  kat: 'geo',
  deu: 'ger',
  ell: 'gre',
  isl: 'ice',
  mkd: 'mac',
  mri: 'mao',
  msa: 'may',
  fas: 'per',
  ron: 'rum',
  slk: 'slo',
  bod: 'tib',
  cym: 'wel',
}

/** The code as Matroska wants it (RFC 9559 §12): bibliographic. @param language terminological, as formats hold it */
export function matroskaLanguage(language: string): string {
  return BIBLIOGRAPHIC[language] ?? language
}
