-- AlterTable
ALTER TABLE "dataset" ADD COLUMN     "archive_name" TEXT;


-- Those of the data sets that there are, as far as it is known.
UPDATE "dataset" SET "archive_name" = coalesce(
  substring("archive_path" FROM '[^/]+$'),
  (SELECT nullif("name", '') FROM "upload" WHERE "content_hash" = "archive_hash" ORDER BY "id" DESC LIMIT 1)
);
