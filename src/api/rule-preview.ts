import { compilePathPattern } from '#hub/path-pattern.ts'
import { API_PREFIX, type App, type Resources } from './app.ts'
import { principalOf } from './guards.ts'
import { NewRuleSchema, RulePreviewSchema } from './schemas/rule.ts'

/** Enough to see what a pattern catches. */
const MAX_STREAMS = 20
/** What `**` and `*` stand for in a made-up stream. */
const EXAMPLE_COMPONENTS = 'live/cam1'
const EXAMPLE_COMPONENT = 'cam1'

/** What a rule would do, while it is written: nothing is kept. */
export function registerRulePreview(app: App, { control }: Resources): void {
  const { recorder, hub } = control
  app.post(
    `${API_PREFIX}/rules/preview`,
    {
      config: { access: 'record' },
      schema: {
        summary: 'What a rule would match and how its files would be called',
        tags: ['rules'],
        body: NewRuleSchema,
        response: { 200: RulePreviewSchema },
      },
    },
    async (request) => {
      principalOf(request).requireEverywhere('record')
      const { match, request: wanted = {} } = request.body
      const pattern = compilePathPattern(match)
      const paths = [...hub.streams()].map(({ path }) => path).filter((path) => pattern.matches(path))
      paths.sort()
      const stream = paths[0] ?? exampleOf(pattern.source)
      const path = recorder.expectedPath({ ...wanted, stream })
      return { streams: paths.slice(0, MAX_STREAMS), total: paths.length, example: { stream, path } }
    },
  )
}

/** A stream path that a pattern matches. */
export function exampleOf(pattern: string): string {
  return pattern
    .split('/')
    .map((component) => {
      if (component === '**') return pattern === '**' ? EXAMPLE_COMPONENTS : EXAMPLE_COMPONENT
      return component === '*' ? EXAMPLE_COMPONENT : component.replaceAll('*', '1')
    })
    .join('/')
}
