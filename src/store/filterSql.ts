import type { Filter, NumberField, NumberOperator, TextField } from '../domain/filter.ts';
import { directionOf } from '../domain/objective.ts';
import { Prisma } from '../generated/prisma/client.ts';

/** A condition over `run r`, with the meaning that domain/filter.ts gives; never null. */
export function filterSql(filter: Filter): Prisma.Sql {
  switch (filter.kind) {
    case 'and':
    case 'or':
      return Prisma.sql`(${Prisma.join(filter.terms.map(filterSql), ` ${filter.kind} `)})`;
    case 'not':
      return Prisma.sql`(not ${filterSql(filter.term)})`;
    case 'oneOf':
      return textSql(filter.field, (text) => Prisma.sql`${text} = any(${[...filter.values]}::text[])`);
    case 'like':
      return textSql(filter.field, (text) => Prisma.sql`${text} like ${likePattern(filter.glob)}::text`);
    case 'number':
      return Prisma.sql`coalesce(${numberSql(filter.field)} ${operators[filter.operator]} ${filter.value}::float8, false)`;
  }
}

const operators: Readonly<Record<NumberOperator, Prisma.Sql>> = {
  '=': Prisma.sql`=`,
  '<': Prisma.sql`<`,
  '<=': Prisma.sql`<=`,
  '>': Prisma.sql`>`,
  '>=': Prisma.sql`>=`,
};

/** `test` of a field's text; of any of them for fields with several. */
function textSql(field: TextField, test: (text: Prisma.Sql) => Prisma.Sql): Prisma.Sql {
  switch (field) {
    case 'id':
      return Prisma.sql`(${test(Prisma.sql`r.id`)})`;
    case 'name':
      return Prisma.sql`(${test(Prisma.sql`r.name`)})`;
    case 'architecture':
      return Prisma.sql`(${test(Prisma.sql`r.architecture`)})`;
    case 'status':
      return Prisma.sql`(${test(Prisma.sql`r.status::text`)})`;
    case 'kind':
      return Prisma.sql`(${test(Prisma.sql`r.kind::text`)})`;
    case 'item.method':
      return Prisma.sql`coalesce(${test(Prisma.sql`r.config #>> '{itemTransform,method}'`)}, false)`;
    case 'tag':
      return Prisma.sql`exists (select from unnest(r.tags) as t(tag) where ${test(Prisma.sql`t.tag`)})`;
    case 'sweep':
      return Prisma.sql`exists (select from sweep_member m join sweep s on s.id = m.sweep_id, unnest(array[s.id, s.name]) as t(sweep)
        where m.run_id = r.id and ${test(Prisma.sql`t.sweep`)})`;
  }
}

function numberSql(field: NumberField): Prisma.Sql {
  if (typeof field === 'object') {
    const best = directionOf(field.metric) === 'DESC' ? Prisma.sql`s.max` : Prisma.sql`s.min`;
    return Prisma.sql`(select ${best} from metric_summary s join metric_name n on n.id = s.name_id
      where s.run_id = r.id and n.name = ${field.metric})`;
  }
  const path = field.split('.');
  return Prisma.sql`(case jsonb_typeof(r.config #> ${path}::text[]) when 'number' then (r.config #>> ${path}::text[])::float8 end)`;
}

/** A glob in SQL's terms, escaped by the backslash. */
function likePattern(glob: string): string {
  return glob
    .replaceAll(/[\\%_]/g, '\\$&')
    .replaceAll('*', '%')
    .replaceAll('?', '_');
}
