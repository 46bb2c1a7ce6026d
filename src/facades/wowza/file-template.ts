import { safeComponent } from '#recorder/safe-name.ts'
import { OptionInvalidError } from './errors.ts'

/** What names are made of when nothing is said. rtmp-recording.md §5.5. */
export const DEFAULT_FILE_TEMPLATE = `\${BaseFileName}_\${RecordingStartTime}_\${SegmentNumber}`

/** `yyyy-MM-dd-HH.mm.ss.SSS-zzz` of the recording and of the part. */
const ELEMENTS: Readonly<Record<string, string>> = {
  segmentnumber: '{partIndex}',
  recordingstarttime: '{date}-{hour}.{minute}.{second}.{millisecond}-{zone}',
  segmenttime: '{partDate}-{partHour}.{partMinute}.{partSecond}.{partMillisecond}-{partZone}',
}

const PIECE = /\$\{(?<tag>[^}]*)\}|(?<literal>\$|[^$]+)/g

/**
 * The core's name template for one of `${BaseFileName}`, `${SourceStreamName}`, `${SegmentNumber}` …
 * @throws {OptionInvalidError} an unknown tag
 */
export function coreTemplate(fileTemplate: string, names: { baseFile: string; stream: string }): string {
  let template = ''
  for (const { groups = {} } of fileTemplate.matchAll(PIECE)) {
    const { tag, literal = '' } = groups
    if (tag === undefined) template += literalText(literal)
    else if (tag.toLowerCase() === 'basefilename') template += literalText(names.baseFile)
    else if (tag.toLowerCase() === 'sourcestreamname') template += literalText(names.stream.replaceAll('/', '_'))
    else {
      const element = ELEMENTS[tag.toLowerCase()]
      if (element === undefined) {
        const known = 'BaseFileName, SourceStreamName, SegmentNumber, RecordingStartTime and SegmentTime'
        throw new OptionInvalidError('fileTemplate', fileTemplate, `a template with the tags ${known}`)
      }
      template += element
    }
  }
  return template
}

/** Text that a core template takes for itself: safe in file names, braces doubled. Slashes stay. */
export function literalText(text: string): string {
  return text
    .split('/')
    .map((part) => safeComponent(part))
    .join('/')
    .replace(/[{}]/g, '$&$&')
}
