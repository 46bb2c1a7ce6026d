import type { FacadeCommand } from '#config/facade.ts'

/** The facade's commands; their code is loaded when they run. */
export const agoraCommands: readonly FacadeCommand[] = [
  {
    words: ['key', 'agora'],
    groupAbout: "keys for other vendors' clients",
    about: 'make a Dynamic Key, as the business server does with generateRecordingKey',
    options: [
      { flags: '--vendor-key <id>', about: 'vendor key (App ID), 32 hex digits', isRequired: true },
      { flags: '--sign-key <secret>', about: 'sign key (App Certificate), 32 hex digits', isRequired: true },
      { flags: '--channel <name>', about: 'channel the key is for', isRequired: true },
      { flags: '--uid <number>', about: 'user the key is for (default 0: everybody)' },
      { flags: '--expires <seconds>', about: 'seconds since 1970 when it expires (default 0: never)' },
      { flags: '--at <seconds>', about: 'seconds since 1970 when it was made (default now)' },
      { flags: '--random <number>', about: 'salt, 32 bits (default random)' },
      { flags: '--key-version <number>', about: '1 to 6 (default 5)' },
      { flags: '--service <name>', about: 'recording (the default), media, sharing or permission' },
    ],
    run: async (options, context) => (await import('./key-command.ts')).keyCommand(options, context),
  },
  {
    words: ['agora', 'deploy'],
    groupAbout: 'what Agora Recording Server has commands for',
    about: 'write tapedeck.yaml for a recording server, as ./deploy.sh sets one up',
    options: [
      { flags: '--key <vendorKey>', about: 'vendor key (App ID), 32 hex digits', isRequired: true },
      { flags: '--sign <signKey>', about: 'sign key (App Certificate), 32 hex digits', isRequired: true },
      { flags: '--port <port>', about: 'port of the recording service (default PORT, else 8001)' },
      { flags: '--path <folder>', about: 'root of the recordings (default AGORA_FILE_ROOT)' },
      { flags: '-c, --config <file>', about: 'file to write instead' },
    ],
    run: async (options, context) => (await import('./deploy-command.ts')).deployCommand(options, context),
  },
  {
    words: ['agora', 'transcode'],
    groupAbout: 'what Agora Recording Server has commands for',
    about: 'make an .mp4 of each .tmp that is complete, as agora_hourly.job does; a running server does it by itself',
    options: [
      { flags: '--path <folder>', about: 'root of the recordings (default AGORA_FILE_ROOT)' },
      { flags: '--log <file>', about: 'log of the conversions (default /var/log/agora_hourly.log)' },
      { flags: '--utc', about: 'names are by UTC (facades.agora.utc)' },
    ],
    run: async (options, context) => (await import('./transcode-command.ts')).transcodeCommand(options, context),
  },
]
