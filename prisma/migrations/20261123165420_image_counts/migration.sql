-- AlterTable
ALTER TABLE "dataset" ADD COLUMN     "image_counts" JSONB;

-- Those of the data sets that there are.
UPDATE "dataset" SET "image_counts" = (
  SELECT coalesce(jsonb_agg(jsonb_build_object('split', "split", 'label', "label", 'count', "count")), '[]')
  FROM (SELECT "split", "label", count(*) AS "count" FROM "dataset_image" WHERE "dataset_id" = "dataset"."id" GROUP BY "split", "label") counted
) WHERE "status" = 'READY';
