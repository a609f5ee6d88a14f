import { type AttributeTable, mediaAttributes, sessionAttributes } from './attributes.ts'
import type { SdpAttribute, SdpSection, SdpSession } from './description.ts'
import { SdpError } from './errors.ts'
import { plainText } from './grammar.ts'
import { formatBandwidth, formatMediaLine, formatOrigin, parseConnection } from './lines.ts'

/**
 * Writes a session description, with its lines in the order of RFC 8829 §5.2.1 and CRLF behind each of them.
 *
 * What {@link parseSdp} has read comes back from it the same: `parseSdp(serializeSdp(session))` equals `session`.
 *
 * @throws {SdpError} if a value is not what its line may hold: a line end that would begin another line, a control
 * character, a password that is too short, an attribute that has a field of its own, ...
 */
export function serializeSdp(session: SdpSession): string {
  const lines = [line('v', '0'), line('o', formatOrigin(session.origin)), line('s', session.sessionName)]
  appendConnection(lines, session)
  // RFC 8829 §5.2.1: times mean nothing here, and the line must be there.
  lines.push(line('t', '0 0'))
  appendAttributes(lines, session, sessionAttributes)
  for (const media of session.media) {
    lines.push(line('m', formatMediaLine(media)))
    appendConnection(lines, media)
    appendAttributes(lines, media, mediaAttributes)
  }
  return lines.join('')
}

function appendConnection(lines: string[], section: SdpSection): void {
  if (section.connection !== undefined) lines.push(line('c', parseConnection(section.connection)))
  for (const bandwidth of section.bandwidths ?? []) lines.push(line('b', formatBandwidth(bandwidth)))
}

function appendAttributes<Section extends SdpSection>(
  lines: string[],
  section: Section,
  table: AttributeTable<Section>,
): void {
  const append = (name: string, value: string | undefined): void => {
    lines.push(line('a', value === undefined ? name : `${name}:${value}`))
  }
  for (const codec of table.before) for (const value of codec.write(section)) append(codec.name, value)
  for (const attribute of section.attributes) append(checkName(attribute, table), attribute.value)
  for (const codec of table.after) for (const value of codec.write(section)) append(codec.name, value)
}

/** A name that has a field, or a colon, would be read as something else. */
function checkName<Section>({ name }: SdpAttribute, table: AttributeTable<Section>): string {
  if (name === '' || name.includes(':')) throw new SdpError('the name of an attribute must be text without a colon')
  if (table.find(name) !== undefined) throw new SdpError(`${name} has a field of its own`)
  return name
}

function line(type: string, value: string): string {
  return `${type}=${plainText(value, `the value of a line ${type}=`)}\r\n`
}
