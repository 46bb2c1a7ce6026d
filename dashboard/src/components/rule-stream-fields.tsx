import type { RuleRecord } from '../api/documents.ts'
import { useApp } from '../state/context.ts'
import { RECORD_WORDS } from '../state/rule-words.ts'
import type { RuleForm } from '../state/use-rule-form.ts'
import { useStore } from '../state/use-store.ts'
import { Choice } from './choice.tsx'
import { Field } from './field.tsx'
import { RuleMatches } from './rule-matches.tsx'

const RECORDS: readonly RuleRecord[] = ['always', 'demand', 'never']

const OCCASIONS = [
  { value: 'each', label: 'Each time', hint: 'Again whenever the stream returns.' },
  { value: 'once', label: 'Once', hint: 'The rule is removed when its first recording is over.' },
] as const

/** Which streams, and whether they are recorded. */
export function RuleStreamFields({ form }: { form: RuleForm }) {
  const { feed } = useApp()
  const { streams } = useStore(feed.state)
  const { draft, problems, change } = form
  return (
    <>
      <Field
        id="rule-match"
        label="Streams"
        problem={problems.get('match')}
        hint={
          <>
            <code>live/cam1</code> is one stream, <code>live/*</code> all of <code>live</code>, <code>live/cam*</code>{' '}
            those whose name begins so, <code>**</code> every stream. They need not exist yet.
          </>
        }
      >
        {(control) => (
          <input
            {...control}
            type="text"
            class="wide code"
            list="rule-matches"
            autocomplete="off"
            autocapitalize="off"
            spellcheck={false}
            placeholder="live/*"
            value={draft.match}
            onInput={(event) => change({ match: event.currentTarget.value })}
          />
        )}
      </Field>
      <RuleMatches preview={form.preview} />
      <datalist id="rule-matches">
        {(streams ?? []).map(({ path }) => (
          <option key={path} value={path} />
        ))}
      </datalist>
      <Choice
        name="rule-record"
        legend="Record"
        value={draft.record}
        options={RECORDS.map((value) => ({ value, label: RECORD_WORDS[value].choice, hint: RECORD_WORDS[value].hint }))}
        problem={problems.get('record')}
        onChoose={(record) => change({ record })}
      />
      {draft.record === 'always' && (
        <Choice
          name="rule-once"
          legend="How often"
          value={draft.once ? 'once' : 'each'}
          options={OCCASIONS}
          problem={problems.get('once')}
          onChoose={(occasion) => change({ once: occasion === 'once' })}
        />
      )}
    </>
  )
}
