import type { Command } from '../command-table.ts'
import type { RecordConfigurations } from '../record-configurations.ts'
import { type RecordDefaults, readRecordSettings } from '../record-settings.ts'

/** `record`: with the stream, or as soon as it is there. */
export function recordCommand(configurations: RecordConfigurations, defaults: RecordDefaults): Command {
  return {
    name: 'record',
    description: 'Records any inbound stream',
    parameters: [
      { name: 'localStreamName', mandatory: true, description: 'The stream to record; it need not be there yet' },
      { name: 'pathToFile', mandatory: true, description: 'Path and file name, with or without extension' },
      { name: 'type', defaultValue: 'mp4', description: 'mp4, flv or ts' },
      { name: 'overwrite', defaultValue: '0', description: '1: replace an existing file; 0: take the next number' },
      { name: 'keepAlive', defaultValue: '1', description: '1: record again whenever the stream comes back' },
      { name: 'chunkLength', defaultValue: '0', description: 'Seconds in a file, 0 to 999999; 0: one file' },
      { name: 'waitForIDR', defaultValue: flagText(defaults.waitForIDR), description: 'New files at key frames only' },
      { name: 'winQtCompat', defaultValue: flagText(defaults.winQtCompat), description: '1: 32-bit MP4 headers' },
      { name: 'dateFolderStructure', defaultValue: '0', description: '1: folders by stream and date' },
      { name: 'preset', defaultValue: '0', description: '1: mp4, chunks of 1800 seconds, folders by date' },
      { name: 'hasAudio', defaultValue: '1', description: '0: video only' },
    ],
    async run(parameters) {
      const configuration = await configurations.add(readRecordSettings(parameters, defaults))
      return { description: 'Recording Stream', data: configurations.value(configuration) }
    },
  }
}

function flagText(flag: boolean): string {
  return flag ? '1' : '0'
}
