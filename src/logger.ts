import { pino } from 'pino'
import type { Logger } from '#base/runtime.ts'
import type { Config } from '#config/config.ts'

/**
 * The process's logger, on standard error: one JSON object a line, or a readable line on a terminal.
 * Every record has `event`; see docs/guide for the ones worth an alarm.
 */
export function createLogger(config: Config['log']): Logger {
  const text = config.format === 'text' || (config.format === 'auto' && process.stderr.isTTY)
  return pino(
    { level: config.level, base: null, timestamp: pino.stdTimeFunctions.isoTime },
    text ? textLines() : pino.destination(2),
  )
}

/** Fields that a person does not look for in a line of text. */
const QUIET_FIELDS = new Set(['level', 'time', 'msg', 'event', 'err'])

const LEVELS: Readonly<Record<number, string>> = { 20: 'debug', 30: 'info', 40: 'WARN', 50: 'ERROR' }

/** `12:00:01 info  recording.started stream=live/cam1 …`: enough for a terminal, without a library of its own. */
function textLines(): { write(line: string): void } {
  return {
    write(line) {
      const record: Record<string, unknown> = JSON.parse(line)
      const fields = Object.entries(record)
        .filter(([key]) => !QUIET_FIELDS.has(key))
        .map(([key, value]) => `${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
      const failure = record['err'] as { message?: string } | undefined
      const time = String(record['time']).slice(11, 19)
      const level = LEVELS[Number(record['level'])] ?? 'info'
      const words = [
        time,
        level.padEnd(5),
        record['event'] ?? '',
        record['msg'] ?? '',
        failure?.message ?? '',
        ...fields,
      ]
      process.stderr.write(`${words.filter((word) => word !== '').join(' ')}\n`)
    },
  }
}
