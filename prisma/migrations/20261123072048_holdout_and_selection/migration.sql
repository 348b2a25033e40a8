-- AlterTable
ALTER TABLE "dataset" ADD COLUMN     "holdout_fraction" DOUBLE PRECISION,
ADD COLUMN     "holdout_seed" INTEGER;

-- AlterTable
ALTER TABLE "ensemble" ADD COLUMN     "selection" JSONB;


