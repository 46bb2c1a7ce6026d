import { useApp } from '../state/context.ts'
import { useFollowed } from '../state/use-followed.ts'
import { useMay } from '../state/use-may.ts'
import { PageTitle } from './page-title.tsx'
import { Refusal } from './refusal.tsx'
import { RuleItem } from './rule-item.tsx'

/** All rules, in the order in which they are asked. */
export function RulesPage() {
  const app = useApp()
  const { value: rules, refusal } = useFollowed(app.rules)
  const mayManage = useMay('manage')
  return (
    <section aria-labelledby="page-title">
      <PageTitle text="Rules">
        {mayManage && (
          <a class="button primary" href="#/rules/new">
            New rule
          </a>
        )}
      </PageTitle>
      <Refusal text={refusal} />
      {rules === undefined && refusal === undefined && <div class="placeholder-row" aria-hidden="true" />}
      {rules?.length === 0 && (
        <p class="empty">No rules: nothing is recorded by itself, only by the record button and by programs.</p>
      )}
      {rules !== undefined && rules.length > 0 && (
        <>
          <p class="lead muted">
            A stream that goes live is compared with these rules from top to bottom. The first that matches decides;
            those “besides other rules” record as well.
            {!mayManage && ' Your credential may look at them; changing them takes the role admin.'}
          </p>
          <ul class="items">
            {rules.map((rule) => (
              <RuleItem key={rule.id} rule={rule} />
            ))}
          </ul>
        </>
      )}
    </section>
  )
}
