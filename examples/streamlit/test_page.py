"""The page, run by Streamlit's AppTest before a running service: python -m unittest."""

import unittest

from streamlit.testing.v1 import AppTest

HEADER = (
    "alcohol,malic_acid,ash,alcalinity_of_ash,magnesium,total_phenols,flavanoids,"
    "nonflavanoid_phenols,proanthocyanins,color_intensity,hue,od280/od315_of_diluted_wines,proline"
)
WINE = "14.23,1.71,2.43,15.6,127,2.8,3.06,0.28,2.29,5.64,1.04,3.92,1065"


class PageTest(unittest.TestCase):
    """Uploads, and what the page shows."""

    def upload(self, *lines: str) -> AppTest:
        """Return the page after a CSV file of these lines has been uploaded."""
        page = AppTest.from_file("page.py", default_timeout=30).run()
        content = "\n".join(lines).encode()
        page.file_uploader[0].set_value(("wines.csv", content, "text/csv"))
        return page.run()

    def test_predictions_are_shown_and_downloaded(self) -> None:
        page = self.upload(HEADER, WINE)
        self.assertFalse(page.exception)
        self.assertEqual(page.dataframe[0].value["prediction"].to_list(), ["class_0"])
        self.assertEqual(page.download_button[0].label, "Download")

    def test_invalid_cells_are_listed(self) -> None:
        page = self.upload(HEADER, WINE, f"strong{WINE[5:]}")
        self.assertFalse(page.exception)
        self.assertFalse(page.dataframe)
        error = page.table[0].value.iloc[0]
        self.assertEqual((error["row"], error["column"]), (1, "alcohol"))
        self.assertEqual(error["message"], 'expected a number, got "strong"')


if __name__ == "__main__":
    unittest.main()
