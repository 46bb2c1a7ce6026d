import { DELIVERY_WORDS, deliveryState } from '../state/hook-words.ts'
import { hooksHref } from '../state/route.ts'

/** Narrows the deliveries to a state or a recording; kept in the address, so that it can be linked to and gone back from. */
export function DeliveryFilters(props: { state: string; recording: string; onFilter: () => void }) {
  const { state, recording } = props
  const filter = (change: { state?: string; recording?: string }) => {
    props.onFilter()
    location.hash = hooksHref({ state, recording, ...change })
  }
  return (
    <form class="row filters" onSubmit={(event) => event.preventDefault()}>
      <label for="filter-delivery-state">State</label>
      <select
        id="filter-delivery-state"
        value={state}
        onChange={(event) => filter({ state: deliveryState(event.currentTarget.value) })}
      >
        <option value="">all</option>
        {Object.entries(DELIVERY_WORDS).map(([value, words]) => (
          <option key={value} value={value}>
            {words}
          </option>
        ))}
      </select>
      <label for="filter-delivery-recording">Recording</label>
      <input
        id="filter-delivery-recording"
        type="search"
        placeholder="all"
        autocomplete="off"
        spellcheck={false}
        value={recording}
        onChange={(event) => filter({ recording: event.currentTarget.value.trim() })}
      />
    </form>
  )
}
