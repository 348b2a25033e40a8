-- What is not finite is rare, and shown however long its series is: found without reading all points. An index with a condition
-- has no place in schema.prisma.
CREATE INDEX "metric_point_not_finite_idx" ON "metric_point"("run_id", "name_id", "step") WHERE "value" IN ('NaN', 'Infinity', '-Infinity');
